/** A table as ActiveRecord makes it: times without zone, NOT NULL and without a default. */
import { defineSync, type SyncDefinition, text } from '../../../core/mapping/configuration.ts';

export const RAILS_TABLE = `
  create table accounts (
    id bigserial primary key,
    salesforce_id varchar constraint accounts_salesforce_id_key unique,
    name varchar,
    phone varchar,
    kind integer not null,
    token uuid not null,
    lock_version integer default 0 not null,
    deleted_at timestamp(6) without time zone,
    created_at timestamp(6) without time zone not null,
    updated_at timestamp(6) without time zone not null
  );
  grant select, insert, update, delete on accounts to sfsync_apply;
  grant usage on sequence accounts_id_seq to sfsync_apply;`;

type ObjectOptions = Partial<SyncDefinition['objects'][string]>;

/** How such a table is mapped. */
export function railsConfiguration(
  options: ObjectOptions = {},
  policy: 'salesforce' | 'postgres' | 'latest' = 'salesforce',
) {
  return defineSync({
    objects: {
      Account: {
        table: 'accounts',
        updatedAt: 'updated_at',
        touch: 'updated_at',
        createdAt: 'created_at',
        onInsert: { kind: 3, token: { sql: 'gen_random_uuid()' } },
        delivery: 'api',
        fields: { Name: text('name', { policy }), Phone: text('phone', { policy }) },
        ...options,
      },
    },
  });
}
