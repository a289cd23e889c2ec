#ifndef FLEETGATE_CLOSED_ENUMERATION_H
#define FLEETGATE_CLOSED_ENUMERATION_H

/* Swift then sees an enumeration that a `switch` can be exhaustive over, its cases without the prefix. */
#define FLEETGATE_CLOSED_ENUM __attribute__((enum_extensibility(closed)))
#if __has_attribute(swift_name)
#define FLEETGATE_SWIFT_NAME(name) __attribute__((swift_name(#name)))
#else
#define FLEETGATE_SWIFT_NAME(name)
#endif

#endif
