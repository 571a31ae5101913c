import { ladder } from 'keyrung'

/** Calls leave the house as messages do; the action has a name of its own. */
export const calling = ladder('read', 'initiate-approval', 'initiate')

/** Changing a mailbox (marking as read, assigning), which the communication ladder has no rung for. */
export const mailbox = ladder('write-approval', 'write')

/** Handing a form or a document to someone outside: one may do so without being allowed to edit it. */
export const sending = ladder('send-approval', 'send')

/** Starting an automation: one may do so without being allowed to change what it does. */
export const triggering = ladder('trigger-approval', 'trigger')
