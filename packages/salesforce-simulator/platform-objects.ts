import { checkbox, datetime, email, lookup, type ObjectDefinition, text } from './schema/object-definition.ts';

/** The objects that every org has: its users and itself. Clients read them only. */
export const PLATFORM_OBJECTS: readonly ObjectDefinition[] = [
  {
    name: 'User',
    label: 'User',
    labelPlural: 'Users',
    keyPrefix: '005',
    owned: false,
    writable: false,
    fields: [
      text('Username', 'Username', 80, { required: true }),
      text('LastName', 'Last Name', 80, { required: true }),
      text('FirstName', 'First Name', 40),
      text('Name', 'Full Name', 121, { readOnly: true, nameField: true }),
      email('Email', 'Email', { required: true }),
      text('Alias', 'Alias', 8),
      text('TimeZoneSidKey', 'Time Zone', 40),
      text('LocaleSidKey', 'Locale', 40),
      text('LanguageLocaleKey', 'Language', 40),
      text('UserType', 'User Type', 40),
      checkbox('IsActive', 'Active'),
      lookup('ManagerId', 'Manager ID', 'User', 'Manager', { childRelationshipName: 'ManagedUsers' }),
    ],
  },
  {
    name: 'Organization',
    label: 'Organization',
    labelPlural: 'Organizations',
    keyPrefix: '00D',
    owned: false,
    writable: false,
    fields: [
      text('Name', 'Name', 80, { required: true, nameField: true }),
      text('InstanceName', 'Instance Name', 5),
      text('OrganizationType', 'Edition', 40),
      text('NamespacePrefix', 'Namespace Prefix', 15),
      checkbox('IsSandbox', 'Is Sandbox'),
      datetime('TrialExpirationDate', 'Trial Expiration Date'),
      text('PrimaryContact', 'Primary Contact', 80),
      text('TimeZoneSidKey', 'Time Zone', 40),
      text('DefaultLocaleSidKey', 'Locale', 40),
    ],
  },
];
