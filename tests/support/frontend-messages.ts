/** One message that a client has sent: its type, such as `P` for Parse, and what it holds. */
export type FrontendMessage = { type: string; body: string }

/** What went over one or several connections, message by message; what a client says before it has a type is left out. */
export function frontendMessages(sent: readonly Buffer[]): FrontendMessage[] {
  return sent.flatMap((chunk) => {
    const messages: FrontendMessage[] = []
    for (let at = 0; at + 5 <= chunk.length && chunk[at] !== 0; ) {
      const end = at + 1 + chunk.readUInt32BE(at + 1)
      messages.push({ type: String.fromCharCode(chunk[at] ?? 0), body: chunk.toString('utf8', at + 5, end) })
      at = end
    }
    return messages
  })
}

/** The types of messages in their order, those of authentication left out. */
export function typesOf(sent: readonly Buffer[]): string {
  return frontendMessages(sent)
    .map(({ type }) => type)
    .filter((type) => type !== 'p' && type !== 'X')
    .join('')
}
