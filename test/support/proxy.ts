import { connect, createServer, type Socket } from 'node:net'

/**
 * A connection to a PostgreSQL server that can fail as networks do: cut, reset in the middle of a request, or half
 * open, where bytes go in and none come out.
 */
export async function proxyTo(url: string) {
  const { hostname, port: behind } = new URL(url)
  const open = new Set<Socket>()
  const silent = new Set<Socket>()
  let swallowing = false
  const door = createServer((here) => {
    const there = connect(Number(behind), hostname)
    for (const [one, other] of [
      [here, there],
      [there, here],
    ] as const) {
      open.add(one)
      const isSilent = () => swallowing || silent.has(one)
      one.on('data', (chunk) => {
        if (!isSilent()) other.write(chunk)
      })
      one.on('end', () => {
        if (!isSilent()) other.end()
      })
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        if (!isSilent()) other.destroy()
      })
    }
  })
  const listen = (port: number) => new Promise<void>((resolve) => door.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = door.address() as { port: number }
  const reset = (): void => {
    for (const socket of open) socket.resetAndDestroy()
    open.clear()
  }
  const through = new URL(url)
  through.port = String(port)
  return {
    url: through.href,
    /** Ends every connection at once, as a crash at the other end does. New ones are accepted. */
    reset,
    /** Half open: no data arrives, on existing and new connections. */
    swallow(on: boolean): void {
      swallowing = on
      // Swallowed data is lost, so a connection that survived it is unusable.
      if (!on) reset()
    },
    /** Existing connections are half open from now on, as after a firewall forgot them. New ones work. */
    swallowExisting(): void {
      for (const socket of open) silent.add(socket)
    },
    /** No connection is accepted any more. */
    cut: () =>
      new Promise<void>((resolve) => {
        door.close(() => resolve())
        reset()
      }),
    restore: () => listen(port),
  }
}
