class Borrower < ApplicationRecord
  include Discardable

  belongs_to :lender, optional: true
  has_many :loan_applications

  validates :last_name, presence: true
  validates :email, uniqueness: { case_sensitive: false }, allow_nil: true
end
