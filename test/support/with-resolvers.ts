/** As `Promise.withResolvers`, which Node.js 20 lacks: a promise that a test resolves. */
export function withResolvers() {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
