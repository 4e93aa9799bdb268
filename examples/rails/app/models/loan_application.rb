class LoanApplication < ApplicationRecord
  belongs_to :lender, optional: true
  belongs_to :broker, optional: true
  belongs_to :borrower, optional: true, touch: true, counter_cache: true
  has_many :documents, dependent: :destroy

  enum status: {
    draft: 0, submitted: 1, documents_requested: 2, underwriting: 3, approved: 4, funded: 5, declined: 6
  }

  validates :title, :closes_on, presence: true

  before_create { self.reference ||= "LA-#{SecureRandom.hex(5).upcase}" }
end
