# What the application does, step by step: `ruby story.rb` reads the names of steps from its standard input, runs each as a request of a web server
# would, and answers a line of JSON: how it ended, and the statements that it has sent. DATABASE_URL names the database.
require "json"
require_relative "environment"
require_relative "recorder"

class Story
  def initialize(recorder)
    @recorder = recorder
  end

  # A lender with its borrower, who applies for a loan: one transaction, parents before children.
  def apply_for_a_loan
    ActiveRecord::Base.transaction do
      @lender = keep "lender", Lender.create!(name: "Harbour Mutual", phone: "+44 20 7946 0001", annual_revenue: 1_250_000)
      @ada = keep "ada", Borrower.create!(
        lender: @lender, first_name: "Ada", last_name: "Moss", email: "Ada.Moss@mail.example", birthdate: Date.new(1984, 2, 29), credit_score: 710
      )
      ActiveRecord::Base.transaction(requires_new: true) do
        @loan = keep "loan", LoanApplication.create!(
          lender: @lender, borrower: @ada, title: "Barn of Ada Moss", amount: "125000.50", term_months: 240,
          closes_on: Date.new(2031, 5, 31), purposes: ["Renovation", "Home purchase"]
        )
        keep "deed", @loan.documents.create!(name: "Deed")
      end
    end
  end

  def change_of_mind
    ActiveRecord::Base.transaction do
      Borrower.create!(last_name: "Nobody", email: "nobody@mail.example")
      raise ActiveRecord::Rollback
    end
  end

  # Not in Salesforce: only lenders are.
  def hire_a_broker
    @broker = keep "broker", Broker.create!(name: "Quay Brokers")
    load_loan
    @loan.update!(broker: @broker)
  end

  def load_ada
    @ada = keep "ada", Borrower.find_by!(email: "ada.moss@mail.example")
  end

  def load_loan
    @loan = keep "loan", LoanApplication.find_by!(title: "Barn of Ada Moss")
  end

  def change_her_phone
    load_ada
    @ada.update!(phone: "+44 20 7946 0002", do_not_call: true)
  end

  # Of what was loaded before.
  def save_what_was_loaded
    @ada.update!(phone: "+44 20 7946 0003")
  end

  def save_it_again
    load_ada
    @ada.update!(phone: "+44 20 7946 0004")
  end

  # A nightly job that skips validations, callbacks and locking.
  def write_back_what_was_loaded
    @ada.update_columns(last_name: "Moss-Hill", phone: @ada.phone, lock_version: @ada.lock_version)
  end

  def underwrite
    load_loan
    @loan.underwriting!
  end

  def approve
    load_loan
    @loan.update!(status: :approved, approved_at: Time.utc(2031, 2, 3, 4, 5, 6.789r), purposes: ["Renovation"])
  end

  # Neither touches a column that Salesforce knows.
  def touch
    load_loan
    @loan.touch
    keep "payslip", @loan.documents.create!(name: "Payslip")
  end

  def import
    now = Time.now.utc
    people = %w[Bell Carr Dunn].map do |name|
      { last_name: name, email: "#{name.downcase}@mail.example", created_at: now, updated_at: now }
    end
    Borrower.insert_all(people)
  end

  def mark_the_imported
    Borrower.where(last_name: %w[Bell Carr Dunn]).update_all(do_not_call: true)
  end

  def discard_ada
    load_ada
    @ada.discard!
  end

  def undiscard_ada
    load_ada
    @ada.undiscard!
  end

  def withdraw
    load_loan
    @loan.destroy!
  end

  # What came from Salesforce is a record like any other.
  def take_over_eve
    @eve = keep "eve", Borrower.find_by!(email: "eve@mail.example")
    expect @eve.valid?, @eve.created_at, @eve.updated_at, @eve.public_id, @eve.lender.is_a?(Lender), @eve.phone == "", !@eve.discarded?
    @eve.update!(phone: "+44 20 7946 0009")
  end

  def take_over_her_loan
    @mill = keep "mill", LoanApplication.find_by!(title: "Mill of Eve Orr")
    expect @mill.valid?, @mill.documents_requested?, @mill.reference, @mill.purposes == [], @mill.lender.name == "Harbour Mutual"
    @mill.update!(status: :declined)
  end

  private

  def keep(name, record)
    @recorder.keep(name, record)
  end

  def expect(*facts)
    facts.each_with_index { |fact, i| raise "fact #{i} does not hold" unless fact }
  end
end

recorder = Recorder.new
story = Story.new(recorder)
$stdout.sync = true
puts JSON.generate(activerecord: ActiveRecord::VERSION::STRING)
$stdin.each_line(chomp: true) do |step|
  outcome = "done"
  statements = recorder.record do
    story.public_send(step)
  rescue ActiveRecord::StaleObjectError
    outcome = "stale"
  rescue StandardError => e
    outcome = "#{e.class}: #{e.message}"
  end
  puts JSON.generate(step: step, outcome: outcome, statements: statements)
end
