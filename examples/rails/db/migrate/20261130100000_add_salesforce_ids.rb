# What `sfsync init` wrote to schema-additions.sql.
class AddSalesforceIds < ActiveRecord::Migration[6.1]
  disable_ddl_transaction!

  def change
    %i[organizations borrowers loan_applications].each do |table|
      add_column table, :salesforce_id, :string
      add_index table, :salesforce_id, unique: true, algorithm: :concurrently
    end
  end
end
