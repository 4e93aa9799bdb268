class Document < ApplicationRecord
  belongs_to :loan_application, touch: true
end
