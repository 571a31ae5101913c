import { defineCatalog, ladders } from 'keyrung'

/** What there is to grant. */
export const catalog = defineCatalog({ resources: { contacts: { label: 'Contacts', ladder: ladders.crud } } })
