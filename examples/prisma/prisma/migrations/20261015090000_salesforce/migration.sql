-- AlterTable
ALTER TABLE "Lender" ADD COLUMN     "salesforceId" TEXT;

-- AlterTable
ALTER TABLE "Borrower" ADD COLUMN     "salesforceId" TEXT;

-- AlterTable
ALTER TABLE "Loan" ADD COLUMN     "salesforceId" TEXT;

-- AlterTable
ALTER TABLE "Payment" ADD COLUMN     "salesforceId" TEXT;

-- CreateIndex
CREATE UNIQUE INDEX "Lender_salesforceId_key" ON "Lender"("salesforceId");

-- CreateIndex
CREATE UNIQUE INDEX "Borrower_salesforceId_key" ON "Borrower"("salesforceId");

-- CreateIndex
CREATE UNIQUE INDEX "Loan_salesforceId_key" ON "Loan"("salesforceId");

-- CreateIndex
CREATE UNIQUE INDEX "Payment_salesforceId_key" ON "Payment"("salesforceId");
