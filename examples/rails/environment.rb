# The application without its web server: the models, connected to DATABASE_URL.
require "active_record"

ActiveRecord::Base.establish_connection(ENV.fetch("DATABASE_URL"))
ActiveRecord::Base.default_timezone = :utc
ActiveRecord::Base.has_many_inversing = true
ActiveRecord::Base.belongs_to_required_by_default = true

models = File.join(__dir__, "app", "models")
require File.join(models, "application_record")
require File.join(models, "discardable")
require File.join(models, "organization")
Dir[File.join(models, "*.rb")].sort.each { |file| require file }
