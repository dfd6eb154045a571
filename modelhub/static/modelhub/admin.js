'use strict';

// A filter by a related row applies at once.
document.addEventListener('DOMContentLoaded', () => {
    django.jQuery(document).on('select2:select select2:clear', 'select.filter', (event) => {
        setTimeout(() => event.target.form.submit());
    });
});

document.addEventListener('click', async (event) => {
    const button = event.target.closest('button[data-copy]');
    if (!button) {
        return;
    }
    const text = document.getElementById(button.dataset.copy);
    try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = 'Copied';
    } catch {
        // Without HTTPS there is no clipboard: the text is selected instead.
        window.getSelection().selectAllChildren(text);
        button.textContent = 'Press Ctrl+C';
    }
});
