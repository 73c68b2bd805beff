/**
 * One socket of the live door, from its first frame to its close: who it is, what it follows, and that it is still there.
 * Frames of a client are answered in order. Everything ends with the socket, and the socket ends with the token that
 * opened it.
 *
 *     open ──authenticate──► authenticated ──subscribe──► following ──expiry, silence, slowness, stop──► closed
 *
 * Ten thousand of them mostly do nothing, so one that does nothing holds no fiber, no timer and nothing of its handshake:
 * a fiber runs while something is answered, and `LiveSockets` has the clock.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { Socket } from "node:net"
import type { Principal } from "../door/Principal.ts"
import { type BadFrame, binaryFrame, parseFrame } from "./ClientFrames.ts"
import { answer, type LiveDesk, type Needs, say, sayProblem, type Session } from "./LiveAnswers.ts"
import type { LiveSocket } from "./LiveSockets.ts"
import { Outbox } from "./Outbox.ts"
import { type ClientFrame, closeCodes } from "./Protocol.ts"
import type { WebSocket } from "./WebSockets.ts"

/** Bytes of frames that wait to be answered; with more of them the client is not read. */
const unansweredBytesMax = 64 * 1024

/** Of a session that follows nothing. */
const nothing: ReadonlyMap<string, () => void> = new Map()

export class LiveSession implements Session, LiveSocket {
  readonly desk: LiveDesk
  readonly outbox: Outbox
  principal: Principal | undefined
  deadline: number
  readonly #webSocket: WebSocket
  readonly #socket: Socket
  #followed: Map<string, () => void> | undefined
  #unanswered: Array<Result.Result<ClientFrame, BadFrame>> = []
  #unansweredBytes = 0
  #isAnswering = false
  /** Where an answer has to wait for something. */
  #answering: Fiber.Fiber<void> | undefined
  #isOver = false
  #bytesHeard = 0
  #heardAt: number
  #beatAt: number

  /** `socket` is the connection under the `webSocket`; `token` came as its sub-protocol. */
  constructor(desk: LiveDesk, webSocket: WebSocket, socket: Socket, token: string | undefined) {
    const { limits, sockets } = desk
    const now = desk.now()
    this.desk = desk
    this.#webSocket = webSocket
    this.#socket = socket
    this.outbox = new Outbox(webSocket, socket, () =>
      this.#end(
        closeCodes.slowReader,
        "too slow a reader: more waited for it than is kept; resume from the last position"
      )
    )
    this.deadline = now + limits.authenticateWithinMs
    this.#heardAt = now
    this.#beatAt = now + limits.heartbeatIntervalMs
    webSocket.on("message", (data, isBinary) =>
      this.#hear(isBinary ? binaryFrame : parseFrame(data.toString()), data.length)
    )
    webSocket.on("close", () => {
      this.#letGo()
      sockets.leave(this)
    })
    // A frame that is none: the socket closes, and says why.
    webSocket.on("error", () => undefined)
    sockets.enter(this)
    if (token !== undefined) this.#hear(Result.succeed({ type: "authenticate", token }), token.length)
  }

  get followed(): ReadonlyMap<string, unknown> {
    return this.#followed ?? nothing
  }

  keep(topic: string, close: () => void): void {
    if (this.#isOver) return close()
    this.#followed ??= new Map()
    this.#followed.set(topic, close)
  }

  unfollow(topic: string): void {
    const close = this.#followed?.get(topic)
    this.#followed?.delete(topic)
    close?.()
  }

  /** Whether it is time to go, whether the peer is there, and to say that this one is. */
  look(now: number): void {
    const { authenticateWithinMs, heartbeatIntervalMs, silenceMaxMs } = this.desk.limits
    if (now >= this.deadline) {
      const late = `not authenticated within ${authenticateWithinMs} ms`
      return this.#end(closeCodes.notAuthenticated, this.principal === undefined ? late : "the token has expired")
    }
    // Grows with everything that the peer sends, also with its pongs.
    const { bytesRead } = this.#socket
    if (bytesRead !== this.#bytesHeard) {
      this.#bytesHeard = bytesRead
      this.#heardAt = now
    } else if (now - this.#heardAt >= silenceMaxMs) {
      return this.#end(closeCodes.silent, `nothing was heard for ${silenceMaxMs} ms, not even a pong`)
    }
    if (now < this.#beatAt) return
    this.#beatAt = now + heartbeatIntervalMs
    this.#webSocket.ping()
    say(this, { type: "heartbeat" })
  }

  stop(): void {
    this.#end(closeCodes.goingAway, "the server is stopping; connect again and resume")
  }

  destroy(): void {
    this.#webSocket.terminate()
  }

  #hear(frame: Result.Result<ClientFrame, BadFrame>, bytes: number): void {
    // What still comes in is let pass, until the peer has closed as well.
    if (this.#isOver) return
    this.#unanswered.push(frame)
    this.#unansweredBytes += bytes
    if (this.#unansweredBytes > unansweredBytesMax) this.#webSocket.pause()
    if (this.#isAnswering) return
    this.#isAnswering = true
    const answering = this.desk.runFork(this.#answerAll())
    // Most answers wait for nothing.
    if (!this.#isAnswering) return
    this.#answering = answering
    if (this.#isOver) answering.interruptUnsafe()
  }

  #answerAll(): Effect.Effect<void, never, Needs> {
    return Effect.gen({ self: this }, function* () {
      for (let frame = this.#unanswered.shift(); frame !== undefined; frame = this.#unanswered.shift()) {
        if (Result.isFailure(frame)) sayProblem(this, frame.failure.fault, frame.failure.topic)
        else yield* answer(this, frame.success)
        // Who asks without listening to the answers is not asked for more.
        yield* this.outbox.roomy
      }
      // Nothing else runs between finding no further frame and this, so none is left behind.
      this.#isAnswering = false
      this.#answering = undefined
      this.#unansweredBytes = 0
      if (this.#webSocket.isPaused) this.#webSocket.resume()
    })
  }

  /** Says why, and waits for the peer to close as well: not for long. */
  #end(code: number, reason: string): void {
    if (this.#isOver) return
    this.#letGo()
    if (this.#webSocket.isPaused) this.#webSocket.resume()
    this.#webSocket.close(code, reason)
  }

  #letGo(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#unanswered = []
    this.outbox.close()
    for (const close of this.#followed?.values() ?? []) close()
    this.#followed = undefined
    this.#answering?.interruptUnsafe()
  }
}
