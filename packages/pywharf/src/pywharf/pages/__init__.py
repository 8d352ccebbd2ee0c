"""What all pages for people share: how they are rendered, who looks at them, where they lead."""
