"""Every way in which a call to a funder can end badly, as one tree; no network, no policy beyond `retried`.

    FunderError
    ├── NotConfigured                 a value that this environment needs is not set
    ├── Unavailable                   nobody's fault, may pass: the only branch that is ever tried again
    │   ├── TimedOut
    │   ├── ConnectionFailed
    │   ├── Throttled                 429, or 503 with a waiting time
    │   ├── OutOfService              5xx
    │   └── Incomplete                an answer that broke off
    ├── NotAllowedIn                  the funder does not know, or does not trust, this installation
    │   ├── NotAuthenticated          401
    │   ├── ClientIdRejected          401 for the application id
    │   ├── NotPermitted              403
    │   ├── DeviceNotActivated
    │   ├── DeviceInactive
    │   ├── DeviceUnknown
    │   ├── DeviceKeyExpired
    │   ├── DeviceKeyRejected
    │   ├── DeviceKeyTooYoung
    │   ├── DeviceBusy
    │   ├── ActivationCodeRejected
    │   ├── AssertionRejected
    │   └── ClockSkewed
    ├── ConsentMissing                the person has not agreed to share this; an outcome, never an empty answer
    ├── AuthorityMissing              the NDIA lets nobody see a plan without consent and both endorsements
    ├── IdentityNotMatched            the NDIA knows nobody by this number, surname and date of birth together
    ├── NotFound                      the funder knows nobody, or nothing, by this id
    ├── MalformedId                   an id that no funder can have issued; nothing was sent
    ├── WrongAddress                  something that is not this API answered
    ├── BadAnswer                     an answer that cannot be read
    │   ├── NotJson
    │   ├── WrongCharacters           texts in a character set that cannot be made out
    │   ├── BadField                  one field is at fault, and is named
    │   │   ├── WrongType
    │   │   └── ImpossibleValue       no such field can hold this: see `bounds`
    │   ├── TooLarge                  more bytes, rows or values than this installation reads
    │   ├── TooDeep
    │   ├── WrongPerson               an answer about somebody else
    │   └── RepeatedPage
    ├── RequestRejected               400 and the funder's own rules
    │   └── Conflict                  409, 412
    └── UnexpectedStatus              a status that no rule here knows

A message never holds an id, a name, a payload or an address, so it may go to a log as it is. What the funder said word
for word is in `details`, for the page of a person who may see it.
Source: rules PRODA-04, SA-03, SA-04 and SA-05.
"""
