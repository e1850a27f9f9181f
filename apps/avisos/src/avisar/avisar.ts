/** What came of an attempt: the receiver's status where it answered, else why it did not. */
export type AttemptResult = { status: number | undefined; error: string | undefined }

/** What becomes of a delivery after an attempt. `disable`: the receiver said that it is gone for good. */
type AttemptOutcome = 'delivered' | 'try-again' | 'disable'

const GONE = 410

/** 2xx is success, 410 ends the webhook, everything else is worth another attempt: redirects are not followed. */
export function outcomeOf({ status }: AttemptResult): AttemptOutcome {
  if (status === undefined) return 'try-again'
  if (status >= 200 && status < 300) return 'delivered'
  return status === GONE ? 'disable' : 'try-again'
}
