//! Five reactors that watch the EventStore and stamp what they see.
