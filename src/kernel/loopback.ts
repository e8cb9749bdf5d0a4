const shape = /^(localhost|([a-z0-9-]+\.)+localhost|127(\.\d{1,3}){3}|\[::1\]|::1)$/i

/** Whether a host is this machine, by its name (RFC 6761 §6.3) or address, as written in a URL or by a socket. */
export const isLoopback = (host: string): boolean => shape.test(host)
