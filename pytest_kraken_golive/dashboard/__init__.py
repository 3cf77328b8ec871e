"""The page that people watch a live bot on: what it shows is worked out here, Streamlit only draws it."""
