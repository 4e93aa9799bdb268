class CreateBorrowers < ActiveRecord::Migration[6.1]
  def change
    enable_extension "citext"

    create_table :borrowers do |t|
      t.references :lender, foreign_key: { to_table: :organizations }
      t.uuid :public_id, null: false, default: -> { "gen_random_uuid()" }
      t.string :first_name
      t.string :last_name, null: false
      t.citext :email
      t.string :phone, null: false, default: ""
      t.date :birthdate
      t.boolean :do_not_call, null: false, default: false
      t.integer :credit_score, limit: 2
      t.string :encrypted_password, null: false, default: ""
      t.datetime :last_sign_in_at
      t.jsonb :preferences, null: false, default: {}
      t.integer :loan_applications_count, null: false, default: 0
      t.datetime :discarded_at
      t.integer :lock_version, null: false, default: 0
      t.timestamps
    end
    add_index :borrowers, :public_id, unique: true
    add_index :borrowers, :email, unique: true
    add_index :borrowers, :discarded_at
  end
end
