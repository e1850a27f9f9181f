import { describe, expect, it } from 'vitest'
import { decideResume } from './relay-machine.ts'

const at = (posicao: number, id?: string) => ({ posicao, id })

describe('a relay that takes its lease', () => {
  it('begins at the start of a log that was never published', () => {
    expect(decideResume({ cursor: 0, head: 9, tail: undefined, idAtTail: undefined })).toEqual({
      outcome: 'continue',
      from: 0,
    })
  })

  it('goes on after the stream’s last entry, which is ahead of the cursor row', () => {
    const resume = { cursor: 5, head: 9, tail: at(8, 'e8'), idAtTail: 'e8' }
    expect(decideResume(resume)).toEqual({ outcome: 'continue', from: 8 })
  })

  it('trusts the last id of a stream whose entries were all trimmed', () => {
    expect(decideResume({ cursor: 8, head: 9, tail: at(8), idAtTail: 'e8' })).toEqual({ outcome: 'continue', from: 8 })
  })

  it('notices that Redis lost the stream, or its end, and goes on from the cursor', () => {
    const lost = { outcome: 'redis-lost', from: 5 }
    expect(decideResume({ cursor: 5, head: 9, tail: undefined, idAtTail: undefined })).toEqual(lost)
    expect(decideResume({ cursor: 5, head: 9, tail: at(3, 'e3'), idAtTail: 'e3' })).toEqual(lost)
  })

  it('drops a stream that another log filled: beyond the head, or with another event at its end', () => {
    const beyond = decideResume({ cursor: 5, head: 9, tail: at(12, 'x'), idAtTail: undefined })
    expect(beyond).toEqual({ outcome: 'foreign-stream', from: 5 })
    const other = decideResume({ cursor: 5, head: 9, tail: at(7, 'x'), idAtTail: 'e7' })
    expect(other).toEqual({ outcome: 'foreign-stream', from: 5 })
  })

  it('never resumes beyond the head of a log that was restored behind its own cursor row', () => {
    const decision = decideResume({ cursor: 12, head: 9, tail: at(12, 'x'), idAtTail: undefined })
    expect(decision).toEqual({ outcome: 'foreign-stream', from: 9 })
  })
})
