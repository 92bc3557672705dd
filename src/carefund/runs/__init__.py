"""The hall: work asked for, under way and done, and the engines that carry it. No funder is known here."""
