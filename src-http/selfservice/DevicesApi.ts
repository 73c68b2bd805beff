/** The devices that a contact lets the business push to. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Flag, listOf, pagingQuery } from "../resource/Paging.ts"

const tag = "Contact Devices"
const Text = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(255))
/** A registration token of Firebase, or the JSON of a browser's push subscription. */
const Token = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(4_096))
const Platform = Schema.Literals(["MOBILE", "BROWSER", "OTHER"])

const customFieldsMax = 20
const CustomFields = Schema.Array(Schema.Struct({ key: Text, value: Text })).check(Schema.isMaxLength(customFieldsMax))

const GivenFields = Schema.Array(
  Schema.Struct({ key: Schema.optionalKey(Text), value: Schema.optionalKey(Text) })
).check(Schema.isMaxLength(customFieldsMax))

/** What is null is as if it were not there. */
const given = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Device = Schema.Struct({
  id: Schema.String,
  platform: Platform,
  mac_address: Schema.optionalKey(Text),
  serial_number: Schema.optionalKey(Text),
  electronic_id: Schema.optionalKey(Text),
  registration_token: Schema.optionalKey(Token),
  custom_fields: CustomFields,
  /** Epoch seconds. */
  registration_date: Schema.Int
})

export const listDevices = declare({
  method: "GET",
  path: "/self-service/v2/contacts/:id/devices",
  tag,
  name: "listDevices",
  summary: "List a contact's devices",
  access: "contact",
  query: Schema.Struct({
    ...pagingQuery,
    electronic_id: Schema.optionalKey(Text),
    serial_number: Schema.optionalKey(Text),
    search_value: Schema.optionalKey(Text),
    custom_fields: Schema.optionalKey(Text),
    /** All are the contact's own; there is nothing else to be included yet. */
    owned_by_contact: Schema.optionalKey(Flag),
    rented_by_contact: Schema.optionalKey(Flag),
    include_characteristics: Schema.optionalKey(Flag),
    include_custom_fields: Schema.optionalKey(Flag),
    include_subscription: Schema.optionalKey(Flag),
    sort: Schema.optionalKey(Schema.Literals(["CREATED_DATE", "UPDATED_DATE", "NAME", "SCHEDULED_DATE"]))
  }),
  status: 200,
  success: listOf(Device)
})

export const registerDevice = declare({
  method: "POST",
  path: "/self-service/v2/contacts/:id/devices",
  tag,
  name: "registerDevice",
  summary: "Register a device for pushes",
  description:
    "`registration_token` is Firebase's, or for `BROWSER` the JSON of the push subscription. A token that is known names " +
    "the device that has it.",
  access: "contact",
  body: Schema.Struct({
    platform: given(Platform),
    mac_address: given(Text),
    serial_number: given(Text),
    electronic_id: given(Text),
    registration_token: given(Token),
    custom_fields: given(GivenFields),
    /** Devices that are sold, and usage, are not there yet: named, they are refused by name. */
    product_id: given(Text),
    application_id: given(Text)
  }),
  status: 201,
  success: Schema.Struct({ id: Schema.String })
})

export const removeDevice = declare({
  method: "DELETE",
  path: "/self-service/v2/contacts/:id/devices/:fcm_token",
  tag,
  name: "removeDevice",
  summary: "Remove a device by its registration token, or by its id",
  access: "contact",
  status: 200
})
