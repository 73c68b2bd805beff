/**
 * Which addresses may be called: public ones over https, and those that the operator has listed. A name is judged when an
 * endpoint is saved; what it resolves to is judged at each connection, on the very address that is connected to, so that a
 * name that resolves to something else by then gets nowhere (SSRF, DNS rebinding).
 */
import { lookup } from "node:dns"
import { BlockList, isIP, isIPv4, type LookupFunction } from "node:net"

/** Not the internet: this host, private, shared, link-local (and with it metadata), documentation, multicast, reserved. */
const notPublic4: ReadonlyArray<readonly [network: string, prefix: number]> = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4]
]
/** The only part of IPv6 that is given out, and what in it leads elsewhere or is for documentation. */
const public6 = ["2000::", 3] as const
const notPublic6: ReadonlyArray<readonly [network: string, prefix: number]> = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20]
]

const blocked4 = new BlockList()
for (const [network, prefix] of notPublic4) blocked4.addSubnet(network, prefix, "ipv4")
const open6 = new BlockList()
open6.addSubnet(...public6, "ipv6")
const blocked6 = new BlockList()
for (const [network, prefix] of notPublic6) blocked6.addSubnet(network, prefix, "ipv6")

/** An IPv4 address that is written as one of IPv6, as it arrives at the other end. */
const unmapped = (address: string): string => {
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (dotted !== undefined) return dotted
  const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address)
  if (groups === null) return address
  const [high, low] = [Number.parseInt(groups[1] as string, 16), Number.parseInt(groups[2] as string, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join(".")
}

export const isPublic = (given: string): boolean => {
  const address = unmapped(given)
  if (isIPv4(address)) return !blocked4.check(address, "ipv4")
  return isIP(address) === 6 && open6.check(address, "ipv6") && !blocked6.check(address, "ipv6")
}

/** Said to whoever may ask the operator for it. */
const unlessAllowed = ", unless the operator names it in KOINON_WEBHOOK_ALLOWED"
/** Names that never lead out. */
const localName = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|localdomain|home\.arpa)$/

/** The host of an address as it is judged: without brackets and final dot. */
const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "")

export class Targets {
  readonly #hosts = new Set<string>()
  readonly #networks = new BlockList()
  readonly #resolve: typeof lookup

  /** Hosts (`hooks.example`), addresses and networks (`10.1.0.0/16`) that may be called although they are not public, also by http. */
  constructor(allowed: ReadonlyArray<string>, resolve: typeof lookup = lookup) {
    this.#resolve = resolve
    for (const entry of allowed) {
      const [network = "", prefix] = entry.split("/")
      const family = isIP(network)
      if (family === 0) this.#hosts.add(entry.toLowerCase())
      else if (prefix === undefined) this.#networks.addAddress(network, family === 4 ? "ipv4" : "ipv6")
      else this.#networks.addSubnet(network, Number(prefix), family === 4 ? "ipv4" : "ipv6")
    }
  }

  #allowsAddress(given: string): boolean {
    const address = unmapped(given)
    return this.#networks.check(address, isIPv4(address) ? "ipv4" : "ipv6")
  }

  #allowsHost(host: string): boolean {
    return this.#hosts.has(host) || (isIP(host) !== 0 && this.#allowsAddress(host))
  }

  /** Why such an address is not called; `undefined`: as far as can be told from its text, it may be. */
  objectionTo(text: string): string | undefined {
    if (!URL.canParse(text)) return "It is not an address: https://example.com/hooks."
    const url = new URL(text)
    const host = hostOf(url)
    if (this.#allowsHost(host)) return undefined
    if (url.protocol !== "https:") return `An https address is needed${unlessAllowed}.`
    if (isIP(host) !== 0) return isPublic(host) ? undefined : `It is not an address on the internet${unlessAllowed}.`
    if (localName.test(host) || !host.includes(".")) return `It is not a name on the internet${unlessAllowed}.`
    return undefined
  }

  /** Resolves a name for a connection, and refuses it unless every address that it has may be called. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, "", 0)
      const isAllowed = this.#hosts.has(hostname.toLowerCase())
      const refused = addresses.find(({ address }) => !isAllowed && !isPublic(address) && !this.#allowsAddress(address))
      const [first] = addresses
      if (refused !== undefined || first === undefined) {
        return callback(new Error("its name leads to no address on the internet"), "", 0)
      }
      if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}
