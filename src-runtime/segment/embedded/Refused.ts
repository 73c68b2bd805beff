/** Why the embedded segment store does not do what it was asked: with the codes by which a MongoDB driver knows them. */
import type { Document } from "bson"

const codes = {
  BadValue: 2,
  FailedToParse: 9,
  TypeMismatch: 14,
  ConflictingUpdateOperators: 40,
  CursorNotFound: 43,
  CommandNotFound: 59,
  ImmutableField: 66,
  CannotCreateIndex: 67,
  InvalidOptions: 72,
  InvalidNamespace: 73,
  InvalidPipelineOperator: 168,
  NamespaceNotFound: 26,
  IndexOptionsConflict: 85,
  ExceededMemoryLimit: 146,
  OperationFailed: 96,
  BSONObjectTooLarge: 10334,
  UnknownStage: 40324,
  UnknownRegularExpression: 51091,
  DuplicateKey: 11000
} as const

export class Refused extends Error {
  override readonly name = "Refused"
  readonly reason: keyof typeof codes
  /** What a driver shows beside the message. */
  readonly details: Document

  constructor(reason: keyof typeof codes, message: string, details: Document = {}) {
    super(message)
    this.reason = reason
    this.details = details
  }

  get code(): number {
    return codes[this.reason]
  }

  get reply(): Document {
    return { ok: 0, errmsg: this.message, code: this.code, codeName: this.reason, ...this.details }
  }
}
