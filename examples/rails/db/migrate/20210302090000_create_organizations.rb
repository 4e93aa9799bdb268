class CreateOrganizations < ActiveRecord::Migration[6.1]
  def change
    create_table :organizations do |t|
      t.string :type, null: false
      t.string :name, null: false
      t.string :phone
      t.string :website
      t.string :industry
      t.decimal :annual_revenue, precision: 15, scale: 2
      t.integer :employee_count
      t.text :description
      t.integer :lock_version, null: false, default: 0
      t.timestamps
    end
    add_index :organizations, [:type, :name]
  end
end
