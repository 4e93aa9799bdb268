class CreateLoanApplications < ActiveRecord::Migration[6.1]
  def change
    create_table :loan_applications do |t|
      t.references :lender, foreign_key: { to_table: :organizations }
      t.references :broker, foreign_key: { to_table: :organizations }
      t.references :borrower, foreign_key: true
      t.string :reference, null: false
      t.string :title, null: false
      t.integer :status, null: false, default: 0
      t.decimal :amount, precision: 12, scale: 2
      t.integer :term_months
      t.date :closes_on, null: false
      t.datetime :approved_at
      t.text :purposes, array: true, null: false, default: []
      t.integer :lock_version, null: false, default: 0
      t.timestamps
    end
    add_index :loan_applications, :reference, unique: true
    add_index :loan_applications, :status
    add_check_constraint :loan_applications, "amount >= 0", name: "amount_not_negative"

    create_table :documents do |t|
      t.references :loan_application, null: false, foreign_key: true
      t.string :name, null: false
      t.timestamps
    end
  end
end
