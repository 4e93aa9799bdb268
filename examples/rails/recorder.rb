# The statements of a step as they can be sent again to another database: what depends on the database (keys, lock versions), on the clock or
# on chance is a name in them. `keep` names records: the key of the one that is called ada is `ada.id`.
class Recorder
  MOMENT = /'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?'/.freeze
  CLOCK = %w[created_at updated_at discarded_at].freeze

  Statement = Struct.new(:sql, :binds, :kept) do
    def table
      sql[/\A(?:INSERT INTO|UPDATE|DELETE FROM|SELECT .*? FROM) "(\w+)"/, 1]
    end

    def writes?
      sql.match?(/\A(INSERT|UPDATE|DELETE)/)
    end

    # Whether it is refused where the row has been written since.
    def locks?
      sql.match?(/"lock_version" = \$\d+\z/)
    end
  end

  def initialize
    @records = {}
    @statements = []
    ActiveSupport::Notifications.subscribe("sql.active_record") do |*, payload|
      add(payload) unless payload[:name] == "SCHEMA" || payload[:cached]
    end
  end

  # The record was made, or read, by the last statement about its table.
  def keep(name, record)
    @records[name] = record
    @statements.reverse.find { |each| each.table == record.class.table_name && !each.sql.start_with?("UPDATE") }.kept = name
    record
  end

  def record
    @statements.clear
    yield
    @statements.map { |statement| portable(statement) }
  end

  private

  def add(payload)
    values = payload[:type_casted_binds] || []
    values = values.call if values.respond_to?(:call)
    names = payload[:binds].map { |bind| bind.name if bind.respond_to?(:name) }
    @statements << Statement.new(payload[:sql], names.zip(values))
  end

  def portable(statement)
    record = name_of(statement.table, statement.binds.to_h["id"])
    statement.kept ||= record if statement.sql.match?(/\ASELECT "\w+"\.\* /)
    versions = 0
    binds = statement.binds.map do |name, value|
      case name
      when nil then { value: value }
      when *CLOCK then statement.writes? && value ? { now: true } : { value: value }
      when "reference" then { random: true }
      when "id" then record ? { name: "#{record}.id" } : { value: value }
      when "lock_version" then record ? version(statement, record, value, versions += 1) : { value: value }
      else
        owner = name_of(parents[[statement.table, name]], value)
        owner ? { name: "#{owner}.id" } : { value: value }
      end
    end
    { sql: statement.sql.gsub(MOMENT, "now()"), binds: binds, keep: statement.kept }.compact
  end

  # `update!` sets one more than what was read, which it asks for at the end.
  def version(statement, record, value, place)
    return { value: value } if statement.sql.include?('COALESCE("lock_version"')

    { name: "#{record}.lock_version", plus: (1 if statement.locks? && statement.sql.start_with?("UPDATE") && place == 1) }.compact
  end

  def name_of(table, id)
    @records.find { |_, record| record.class.table_name == table && record.id == id }&.first unless id.nil?
  end

  # Tables by the columns that refer to them.
  def parents
    @parents ||= ApplicationRecord.descendants.flat_map(&:reflections).flat_map(&:values).grep(ActiveRecord::Reflection::BelongsToReflection)
                                  .to_h { |each| [[each.active_record.table_name, each.foreign_key], each.klass.table_name] }
  end
end
