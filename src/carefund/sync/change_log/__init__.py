"""The change log in words, told in one way for pages, previews, spreadsheets and the command line."""
