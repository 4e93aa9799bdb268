class Lender < Organization
  has_many :borrowers
  has_many :loan_applications, dependent: :restrict_with_exception
end
