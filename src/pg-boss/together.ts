/** Sends one list at a time: what is asked for while one is under way goes with the next. */
export function together(send: (ids: string[]) => Promise<unknown>): (id: string) => Promise<void> {
  let waiting: string[] = []
  let before: Promise<unknown> = Promise.resolve()
  let next: Promise<void> | undefined
  const sendWaiting = () => {
    const ids = waiting
    waiting = []
    next = undefined
    const sent = send(ids).then(() => {})
    before = sent.catch(() => {})
    return sent
  }
  return (id) => {
    waiting.push(id)
    next ??= before.then(sendWaiting)
    return next
  }
}
