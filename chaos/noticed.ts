/** What merchants noticed while another one attacked. */
export type Noticed = { refused: number; unanswered: number; p99Ms: number }

/**
 * No refusal, no lost answer, and 99 of 100 answers within this. The attacker, seven instances, three PostgreSQL and all clients
 * share two cores here, and all wires run in one process. A client gives up after 6 s.
 */
const P99_MAX_MS = 5_000

/** What is beyond that, in words. */
export const tooMuch = ({ refused, unanswered, p99Ms }: Noticed): string[] => [
  ...(refused > 0 ? [`${refused} requests of other merchants were refused`] : []),
  ...(unanswered > 0 ? [`${unanswered} requests of other merchants got no answer`] : []),
  ...(p99Ms > P99_MAX_MS ? [`99 of 100 answers to other merchants took up to ${Math.round(p99Ms)} ms`] : []),
]
