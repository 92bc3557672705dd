"""Claims from prepared lines to paid ones: preparing, sending, checking. Asking for the sync that follows is above."""
