# A record that is thrown away stays in its table, as with the gem discard.
module Discardable
  extend ActiveSupport::Concern

  included do
    scope :kept, -> { where(discarded_at: nil) }
  end

  def discarded?
    discarded_at.present?
  end

  def discard!
    update!(discarded_at: Time.now.utc)
  end

  def undiscard!
    update!(discarded_at: nil)
  end
end
