//! Fires each slot once: the lease, the claims, the sign-in and the call.
