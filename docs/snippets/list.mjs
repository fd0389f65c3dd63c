const { SMARTPAY_URL, SMARTPAY_KEY } = process.env;
let cursor = "";
do {
  const response = await fetch(`${SMARTPAY_URL}/v1/transactions?status=completed&limit=100${cursor}`, {
    headers: { Authorization: `Bearer ${SMARTPAY_KEY}` },
  });
  const page = await response.json();
  if (!page.success) throw new Error(`${page.error_code}: ${page.message}`);
  for (const { created_at, amount, phone, mpesa_receipt } of page.transactions) {
    console.log(created_at, amount, phone, mpesa_receipt);
  }
  cursor = page.has_more ? `&cursor=${page.next_cursor}` : ""; // go on, however short the page was
} while (cursor);
