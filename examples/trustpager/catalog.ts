import { defineCatalog, ladder, ladders, type PermissionOf, type ScopeOf } from 'keyrung'
import { calling, mailbox, sending, triggering } from './ladders.js'

/**
 * What TrustPager protects, and at which levels: the groups and scopes of `data/api.json`, with texts of the
 * example's own. It is written out, not computed from the file, so that an editor completes its permissions
 * and a wrong one does not compile; a test holds it against the file.
 */
export const catalog = defineCatalog({
  groups: {
    crm: { label: 'CRM Data' },
    communication: { label: 'Communication' },
    documents: { label: 'Documents & Forms' },
    automation: { label: 'Automation & Workflows' },
    leads: { label: 'Lead Generation' },
    admin: { label: 'Admin Only', sensitive: true },
  },
  resources: {
    contacts: {
      group: 'crm',
      ladder: ladders.crud,
      describe: {
        read: 'Find people and see their employers and birthday messages',
        write: 'Add, change and remove single people',
        delete: 'Remove many people at once',
      },
    },
    companies: {
      group: 'crm',
      ladder: ladders.crud,
      describe: {
        read: 'Find companies and see who works there',
        write: 'Add, change and remove single companies',
        delete: 'Remove many companies at once',
      },
    },
    opportunities: {
      group: 'crm',
      ladder: ladders.crud,
      describe: {
        read: 'See opportunities, and build reports and dashboards on them',
        write: 'Add, move and change opportunities with their products, people and users',
        delete: 'Remove many opportunities at once',
      },
    },
    pipelines: {
      group: 'crm',
      ladder: ladders.crud,
      describe: { read: 'See pipelines and their stages', write: 'Set up pipelines and their stages' },
    },
    products: {
      group: 'crm',
      ladder: ladders.crud,
      describe: {
        read: 'See products, their costs and the suppliers’ catalogue',
        write: 'Keep products, costs and the suppliers’ catalogue',
      },
    },
    tasks: {
      group: 'crm',
      ladder: ladders.crud,
      describe: { read: 'See tasks and their categories', write: 'Keep, reorder and remove tasks' },
    },
    activities: {
      group: 'crm',
      ladder: ladders.crud,
      describe: { read: 'See what happened with whom', write: 'Note and correct what happened' },
    },
    'crm-templates': {
      label: 'CRM templates',
      group: 'crm',
      ladder: ladders.crud,
      describe: { read: 'See templates', write: 'Keep templates' },
    },
    'work-orders': {
      group: 'crm',
      ladder: ladders.crud,
      describe: { read: 'See work orders', write: 'Keep work orders and report their status' },
    },

    email: {
      group: 'communication',
      ladder: [ladders.communication, mailbox],
      describe: {
        read: 'Read threads, logs and mailbox settings',
        send: 'Send and answer mail',
        write: 'Mark and assign threads',
      },
    },
    'email-campaigns': {
      group: 'communication',
      ladder: ladders.crud,
      describe: {
        read: 'See campaigns, audiences and recipients',
        write: 'Prepare campaigns and send them',
        delete: 'Remove campaigns',
      },
    },
    sms: {
      label: 'SMS',
      group: 'communication',
      ladder: [ladders.communication, mailbox],
      describe: {
        read: 'Read conversations',
        send: 'Send text messages',
        write: 'Mark and assign conversations',
      },
    },
    calls: {
      group: 'communication',
      ladder: calling,
      describe: {
        read: 'See calls, transcripts and coaching notes, and remove transcripts',
        initiate: 'Have an agent call someone',
      },
    },
    'voice-agents': {
      group: 'communication',
      ladder: ladders.crud,
      // Looking at agents is everyone's business; changing what they say to customers is an admin's.
      sensitive: 'write-approval',
      describe: {
        read: 'See agents, their settings and responses',
        write: 'Build, change, publish and remove agents',
      },
    },

    documents: {
      group: 'documents',
      ladder: ladders.crud,
      describe: {
        read: 'See documents, templates and the envelopes out for signing',
        write: 'Make, change and remove documents and templates',
      },
    },
    notepads: {
      group: 'documents',
      ladder: ladders.crud,
      describe: {
        read: 'See notepads and folders',
        write: 'Write notepads and share them',
        delete: 'Remove notepads and folders',
      },
    },
    forms: {
      group: 'documents',
      ladder: [ladders.crud, sending],
      describe: {
        read: 'See forms, prefills and submissions',
        write: 'Build forms, and resend or void submissions',
        send: 'Send a form to someone',
      },
    },
    signing: {
      group: 'documents',
      ladder: sending,
      describe: { send: 'Send documents to be signed, again or no longer' },
    },
    files: {
      group: 'documents',
      ladder: ladders.crud,
      describe: { read: 'See and download files', write: 'Upload, replace, publish and remove files' },
    },
    resources: {
      label: 'Training resources',
      group: 'documents',
      ladder: ladders.crud,
      describe: {
        read: 'See training canvases and their cards',
        write: 'Build training canvases',
        delete: 'Remove training canvases and cards',
      },
    },
    // Demanded by routes, but in none of the file's groups: it is text that people and agents write and look up.
    knowledge: {
      label: 'Knowledge base',
      group: 'documents',
      ladder: ladders.crud,
      describe: { read: 'Search and read articles', write: 'Write and remove articles' },
    },

    automations: {
      group: 'automation',
      ladder: [ladders.crud, triggering],
      describe: {
        read: 'See automations, queues and their runs',
        write: 'Build, switch and remove automations and queues',
        trigger: 'Start an automation now',
      },
    },
    schedules: {
      group: 'automation',
      ladder: ladders.crud,
      describe: {
        read: 'See schedules, their runs and audiences',
        write: 'Set up schedules and fire them now',
        delete: 'Remove schedules',
      },
    },
    webhooks: {
      group: 'automation',
      ladder: ladders.crud,
      describe: { read: 'See webhooks and their logs', write: 'Set up, test and remove webhooks' },
    },
    ai: {
      label: 'AI features',
      group: 'automation',
      ladder: ladders.use,
      describe: { use: 'Have texts, images, forms and estimates made' },
    },
    'agent-ops': {
      label: 'Agent operations',
      group: 'automation',
      ladder: ladders.crud,
      describe: { read: 'See what agents propose', write: 'Propose, and decide on proposals' },
    },
    voices: {
      group: 'automation',
      ladder: ladders.crud,
      describe: { read: 'See voices', write: 'Make and change voices', delete: 'Remove voices' },
    },
    'service-requests': {
      group: 'automation',
      ladder: ladders.crud,
      describe: { read: 'See service requests', write: 'Open, note and link service requests' },
    },

    'lead-gen': {
      label: 'Lead generation',
      group: 'leads',
      ladder: ladders.crud,
      describe: {
        read: 'See searches and what they found',
        write: 'Search for leads, save searches and import',
        delete: 'Remove saved searches',
      },
    },

    company: {
      label: 'Company settings',
      group: 'admin',
      ladder: ladders.crud,
      describe: { read: 'See settings, booking types and bookings', write: 'Change settings and bookings' },
    },
    users: {
      group: 'admin',
      ladder: ladders.crud,
      describe: { read: 'See who is in the workspace', write: 'Invite, promote and remove users' },
    },
    billing: {
      group: 'admin',
      ladder: ladder('read'),
      describe: { read: 'See plan, balance and usage' },
    },
    integrations: {
      group: 'admin',
      ladder: ladders.crud,
      describe: { read: 'See and query connected systems', write: 'Act in connected systems' },
    },
    websites: {
      group: 'admin',
      ladder: ladders.crud,
      describe: { read: 'See websites and order forms', write: 'Build websites and order forms' },
    },
    phone: {
      label: 'Phone numbers',
      group: 'admin',
      ladder: ladders.crud,
      describe: { read: 'See numbers, addresses and bundles', write: 'Buy, set up and release numbers' },
    },
    'email-config': {
      label: 'Email configuration',
      group: 'admin',
      // Its settings are read with `email:read`.
      ladder: mailbox,
      describe: { write: 'Connect, change and disconnect mailboxes' },
    },
  },
  // The routes still demand the old names, and keys may still be given them.
  renamed: { customers: 'companies', deals: 'opportunities' },
})

/** A permission of TrustPager, e.g. `contacts:write`. */
export type TrustPagerPermission = PermissionOf<typeof catalog>

/** A scope of TrustPager, e.g. `contacts:write-approval`. */
export type TrustPagerScope = ScopeOf<typeof catalog>

/**
 * The permission a route of the file demands, by its name of today.
 *
 * @throws Error when the catalogue has no such permission: the host must not start with a route it cannot guard
 */
export function parsePermission(text: string): TrustPagerPermission {
  const found = catalog.find(text)
  if (!found) throw new Error(`the catalogue has no permission "${text}"`)
  return found.permission as TrustPagerPermission
}
