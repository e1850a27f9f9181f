import { ackBeforeApply, always, groupAtDollar, noReclaim } from '../planted-in-a-follower.ts'
import type { PlantedBug } from '../scenario.ts'
import * as planted from './planted-parts.ts'
import type { Seams } from './seams.ts'

/** By name, in the order of an event's way. */
export const PLANTED_BUGS: Readonly<Record<string, PlantedBug<Seams>>> = {
  'noted-before-applied': {
    what: 'avisos acknowledges what it reads before it has noted it',
    seams: always(ackBeforeApply),
  },
  'avisos-at-dollar': { what: 'a lost group of avisos is made anew at $', seams: always(groupAtDollar) },
  'avisos-never-reclaims': {
    what: 'nobody takes over what a dead instance of avisos left pending',
    seams: always(noReclaim),
  },
  'number-by-the-snapshot': {
    what: "an event takes the number after the last one that the statement first saw, before it waited for its merchant's turn",
    seams: always(planted.numberByTheSnapshot),
  },
  'resumed-out-of-turn': {
    what: 'a webhook is taken up again without waiting for what still notes events as if it were disabled',
    seams: always(planted.resumedOutOfTurn),
  },
  'delivery-with-a-random-id': {
    what: 'a delivery has a random id, so that a restored database tells what it has told under another one',
    seams: planted.deliveryWithARandomId,
  },
  'delivery-gone-when-taken': {
    what: 'a delivery is no longer due once it is taken, so that it is forgotten with the sender that took it',
    seams: always(planted.deliveryGoneWhenTaken),
  },
  'delivered-when-taken': {
    what: 'a delivery counts as delivered once it is taken',
    seams: always(planted.deliveredWhenTaken),
  },
}
