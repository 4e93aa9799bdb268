class Broker < Organization
  has_many :loan_applications
end
