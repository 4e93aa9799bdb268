# DATABASE_URL=postgres://... ruby migrate.rb: what `rails db:migrate` does, with db/structure.sql (config.active_record.schema_format = :sql).
require_relative "environment"

migrations = File.join(__dir__, "db", "migrate")
ActiveRecord::MigrationContext.new(migrations, ActiveRecord::SchemaMigration).migrate

tasks = ActiveRecord::Tasks::DatabaseTasks
tasks.db_dir = File.join(__dir__, "db")
tasks.migrations_paths = [migrations]
tasks.dump_schema(ActiveRecord::Base.connection_db_config, :sql)
