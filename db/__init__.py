"""The claims business without a face: one file per part of it, and the session that forgets nothing."""
