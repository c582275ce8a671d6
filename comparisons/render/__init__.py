"""Tables, pictures and documents of what was measured; nothing here knows a framework."""
