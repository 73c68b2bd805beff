/** The session of a contact as both doors answer it. A refresh token gets a new pair and is good for nothing else. */
import * as Schema from "effect/Schema"
import type * as AccessTokens from "../door/AccessTokens.ts"

export const tokenPairFields = {
  access_token: Schema.String,
  refresh_token: Schema.String,
  /** Of the access token, epoch seconds. */
  expiration_date: Schema.Int
}
export const TokenPair = Schema.Struct(tokenPairFields)

export const renderTokenPair = (pair: AccessTokens.TokenPair): typeof TokenPair.Type => ({
  access_token: pair.accessToken,
  refresh_token: pair.refreshToken,
  expiration_date: pair.expiresAt
})
