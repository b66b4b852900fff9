using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PromptToPrompt.Diffusion.Common.Cpu;

/// <summary>The gradient of one head's attention, by one thread.</summary>
/// <remarks>
/// With scores S, P = softmax(S), results O = PV and their gradient dO: dV = Pᵀ·dO, dS = P ∘ (dO·Vᵀ - Σ dO ∘ O), dQ = dS·K/√d, dK = dSᵀ·Q/√d. P is computed again from
/// log₂ Σ exp S of each query, block by block as in <see cref="AttentionBlocks"/>.
/// </remarks>
internal sealed unsafe class AttentionGradient : IDisposable
{
    // The exponent of queries that complete a tile: their probabilities vanish.
    private const float Highest = 1e38f;

    private readonly int keys;
    private readonly int width;
    private readonly int valueWidth;
    private readonly int allKeys;
    private readonly AlignedMemory memory;

    // Of the head: keys and values, and their gradients in whole tiles.
    private readonly MatrixRows keyRows;
    private readonly MatrixRows valueRows;
    private readonly MatrixRows ofKeys;
    private readonly MatrixRows ofValues;

    // Of a block of queries: queries and dO, as rows in whole tiles and as tiles of columns, dQ as tiles of columns, log₂ Σ exp S, and Σ dO ∘ O.
    private readonly MatrixRows queryRows;
    private readonly MatrixRows gradientRows;
    private readonly float* queryColumns;
    private readonly float* gradientColumns;
    private readonly float* ofQueries;
    private readonly float* exponents;
    private readonly float* products;

    // Of a block of keys and a tile of queries: S, then P; and dO·Vᵀ, then dS.
    private readonly float* probabilities;
    private readonly float* ofScores;

    /// <summary>Prepares for heads of a shape.</summary>
    public AttentionGradient(int keys, int width, int valueWidth)
    {
        (this.keys, this.width, this.valueWidth, allKeys) = (keys, width, valueWidth, Tile.WholeRows(keys));
        var (keyWidth, rowWidth, valueRowWidth) = (Tile.WholeRows(width), Tile.WholeWidths(width), Tile.WholeWidths(valueWidth));
        const int Block = AttentionKernel.QueryBlock, Scores = AttentionKernel.KeyBlock * Tile.Width;
        memory = new AlignedMemory(
        [
            (long)allKeys * keyWidth, (long)allKeys * valueWidth, (long)allKeys * rowWidth, (long)allKeys * valueRowWidth,
            Block * rowWidth, Block * valueRowWidth, Block * width, Block * valueWidth, Block * keyWidth, Block, Block, Scores, Scores,
        ]);
        keyRows = new(memory.At(0), keyWidth);
        valueRows = new(memory.At(1), valueWidth);
        ofKeys = new(memory.At(2), rowWidth);
        ofValues = new(memory.At(3), valueRowWidth);
        queryRows = new(memory.At(4), rowWidth);
        gradientRows = new(memory.At(5), valueRowWidth);
        queryColumns = memory.At(6);
        gradientColumns = memory.At(7);
        ofQueries = memory.At(8);
        exponents = memory.At(9);
        products = memory.At(10);
        probabilities = memory.At(11);
        ofScores = memory.At(12);
    }

    /// <summary>Copies a head's keys and values, and clears their gradients.</summary>
    public void Take(MatrixRows fromKeys, MatrixRows fromValues)
    {
        AttentionBlocks.Copy(fromKeys, keys, width, keyRows, allKeys);
        AttentionBlocks.Copy(fromValues, keys, valueWidth, valueRows, allKeys);
        new Span<float>(ofKeys[0], allKeys * (int)ofKeys.Step).Clear();
        new Span<float>(ofValues[0], allKeys * (int)ofValues.Step).Clear();
    }

    /// <summary>Writes the gradients of the keys and values.</summary>
    public void Give(MatrixRows toKeys, MatrixRows toValues)
    {
        var scale = 1 / MathF.Sqrt(width);
        for (var i = 0; i < keys; i++)
        {
            for (var x = 0; x < width; x++)
                toKeys[i][x] = ofKeys[i][x] * scale;
            new Span<float>(ofValues[i], valueWidth).CopyTo(new Span<float>(toValues[i], valueWidth));
        }
    }

    /// <summary>Computes the gradient of at most <see cref="AttentionKernel.QueryBlock"/> queries, and adds their share to those of the keys and values.</summary>
    /// <param name="queries">The queries.</param>
    /// <param name="results">The results of the attention.</param>
    /// <param name="gradients">The gradients of the results.</param>
    /// <param name="logs">log₂ of each query's sum.</param>
    /// <param name="count">Number of queries.</param>
    /// <param name="toQueries">Receives the gradients of the queries.</param>
    public void Add(MatrixRows queries, MatrixRows results, MatrixRows gradients, float* logs, int count, MatrixRows toQueries)
    {
        var all = Tile.WholeWidths(count);
        AttentionBlocks.ToColumns(queries, count, width, queryColumns, AttentionBlocks.Scale(width));
        AttentionBlocks.ToColumns(gradients, count, valueWidth, gradientColumns, scale: 1);
        AttentionBlocks.Copy(queries, count, width, queryRows, all);
        AttentionBlocks.Copy(gradients, count, valueWidth, gradientRows, all);
        for (var i = 0; i < all; i++)
        {
            exponents[i] = i < count ? logs[i] : Highest;
            products[i] = 0;
            for (var x = 0; x < valueWidth && i < count; x++)
                products[i] += results[i][x] * gradients[i][x];
        }

        var tile = (int)keyRows.Step * Tile.Width;
        new Span<float>(ofQueries, all / Tile.Width * tile).Clear();
        for (var first = 0; first < keys; first += AttentionKernel.KeyBlock)
        {
            for (var query = 0; query < all; query += Tile.Width)
                AddBlock(first, Math.Min(AttentionKernel.KeyBlock, keys - first), query);
        }

        // In whole tiles the width may be larger.
        for (var query = 0; query < count; query += Tile.Width)
            AttentionBlocks.FromColumns(ofQueries + (query / Tile.Width * tile), Math.Min(Tile.Width, count - query), width, toQueries.From(query), 1 / MathF.Sqrt(width));
    }

    /// <inheritdoc/>
    public void Dispose() => memory.Dispose();

    // One tile of queries with one block of keys. Tiles may have rows that complete the last one: zeros, whose probabilities are not computed, because that of
    // a score of 0 can be infinite where all others are far below it.
    private void AddBlock(int first, int count, int query)
    {
        var (keyWidth, rowWidth, valueRowWidth) = (keyRows.Step, ofKeys.Step, ofValues.Step);
        for (var i = 0; i < count; i += Tile.Rows)
        {
            Tile.Multiply(keyRows[first + i], keyWidth, 1, queryColumns + (query * width), Tile.Width, width, probabilities + (i * Tile.Width), Tile.Width, adds: false);
            Tile.Multiply(valueRows[first + i], valueWidth, 1, gradientColumns + (query * valueWidth), Tile.Width, valueWidth, ofScores + (i * Tile.Width), Tile.Width, adds: false);
        }

        ToGradients(count, exponents + query, products + query);
        for (var i = 0; i < count; i += Tile.Rows)
        {
            for (var x = 0; x < valueRowWidth; x += Tile.Width)
                Tile.Multiply(probabilities + (i * Tile.Width), Tile.Width, 1, gradientRows[query] + x, valueRowWidth, Tile.Width, ofValues[first + i] + x, valueRowWidth, adds: true);
            for (var x = 0; x < rowWidth; x += Tile.Width)
                Tile.Multiply(ofScores + (i * Tile.Width), Tile.Width, 1, queryRows[query] + x, rowWidth, Tile.Width, ofKeys[first + i] + x, rowWidth, adds: true);
        }

        for (var x = 0; x < keyWidth; x += Tile.Rows)
            Tile.Multiply(keyRows[first] + x, 1, keyWidth, ofScores, Tile.Width, count, ofQueries + (query * keyWidth) + (x * Tile.Width), Tile.Width, adds: true);
    }

    // Scores → probabilities, and dO·Vᵀ → gradients of the scores.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ToGradients(int count, float* exponents, float* products)
    {
        for (var lane = 0; lane < Tile.Width; lane += Tile.Lanes)
        {
            var (exponent, product) = (Vector256.Load(exponents + lane), Vector256.Load(products + lane));
            for (var i = lane; i < count * Tile.Width; i += Tile.Width)
            {
                var probability = AttentionBlocks.PowerOf2(Vector256.Load(probabilities + i) - exponent);
                probability.Store(probabilities + i);
                (probability * (Vector256.Load(ofScores + i) - product)).Store(ofScores + i);
            }
        }
    }
}
