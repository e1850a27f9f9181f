import { ackBeforeApply, always, groupAtDollar, noReclaim } from '../planted-in-a-follower.ts'
import type { PlantedBug } from '../scenario.ts'
import * as planted from './planted-parts.ts'
import type { Seams } from './seams.ts'

/** An internal error: nobody takes it for poison. */
const NOT_OF_THE_DATA = 'XX000'

/** By name, in the order of an order's way. */
export const PLANTED_BUGS: Readonly<Record<string, PlantedBug<Seams>>> = {
  'guard-by-the-snapshot': {
    what: 'the guard of a move looks at the order as the statement first saw it, before it waited for its turn',
    seams: always(planted.guardByTheSnapshot),
  },
  'move-without-version': {
    what: 'a move does not compare the version that it was asked for',
    seams: always(planted.moveWithoutVersion),
  },
  'cancelled-before-its-key': {
    what: 'a repeated cancellation is decided before its key is looked for',
    seams: always(planted.cancelledBeforeItsKey),
  },
  'step-gone-when-taken': {
    what: 'a due step is deleted when it is taken, so that it is forgotten with the worker that took it',
    seams: always(planted.stepGoneWhenTaken),
  },
  'step-before-its-time': {
    what: 'a step is planned without the delay',
    seams: always({ delayMs: 0 }),
  },
  'followed-before-applied': {
    what: 'a follower acknowledges what it reads before it has applied it',
    seams: always(ackBeforeApply),
  },
  'follower-at-dollar': { what: 'a lost group of a follower is made anew at $', seams: always(groupAtDollar) },
  'followers-never-reclaim': {
    what: 'nobody takes over what a dead follower left pending',
    seams: always(noReclaim),
  },
  'follower-without-isolation': {
    what: 'an effect that fails on the data of one event is tried again for ever, and its partition with it',
    seams: always({ refusal: NOT_OF_THE_DATA }),
  },
  'money-after-the-mark': {
    what: 'the position of a delivery is noted before its entry is in the books',
    seams: planted.moneyAfterTheMark,
  },
  'entry-without-its-key': {
    what: 'the entry of a delivery has neither key nor referencia, so that it is not known when it comes again',
    seams: always(planted.entryWithoutItsKey),
  },
  'reversal-alone': {
    what: 'a return is reversed only by the instance that has made the entry',
    seams: planted.reversalAlone,
  },
}
