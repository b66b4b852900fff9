using PromptToPrompt.Editing.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Published.Tests;

/// <summary>Whole runs of the published implementation on a small random-weight model, reproduced number by number.</summary>
[Trait("Category", "Reference")]
public sealed class EditTests(PublishedRuns published) : IClassFixture<PublishedRuns>, IDisposable
{
    private readonly Reference reference = new();
    private readonly DisposeScope scope = NewDisposeScope();

    [Fact]
    public void SourceMatchesThePublishedImplementation()
    {
        var golden = reference.Tensors("p2p/st_empty.safetensors");
        var trace = reference.Trace(published.Source);
        AssertClose(golden.Read("latents").narrow(1, 0, 1), trace["latents"].slice(0, 1, trace["latents"].shape[0], 1), 1e-3, "latents");
        AssertImages(golden.Read("images_u8"), trace["images"]);
        foreach (var run in new[] { "nt_replace", "nt_refine_reweight", "nt_reweight_x3", "st_store" })
            AssertMap(reference.Tensors($"p2p/{run}.safetensors").Read("avg_cross16.row0"), trace["attention.cross.16"][0], run);
    }

    // Those that differ in kind: each alignment, weights of both signs, windows of their own, words of several tokens, every layer of
    // self-attention, two edits at once, and a local blend.
    [Theory]
    [InlineData("nt_refine_reweight")]
    [InlineData("nt_replace_b3")]
    [InlineData("nt_replace_multitok")]
    [InlineData("nt_reweight_m2")]
    [InlineData("nt_refine_lb_b3")]
    [InlineData("st_replace_dict")]
    [InlineData("st_self1")]
    public void EditsMatchThePublishedImplementation(string name) => AssertEdit(name);

    // The rest differ from those in numbers only.
    [Theory(Explicit = true)]
    [InlineData("st_replace")]
    [InlineData("st_refine_b3")]
    [InlineData("st_store")]
    [InlineData("st_replace_lb_t65")]
    [InlineData("nt_replace")]
    [InlineData("nt_refine")]
    [InlineData("nt_replace_reweight")]
    [InlineData("nt_reweight_x3")]
    [InlineData("nt_self0")]
    public void AllEditsMatchThePublishedImplementation(string name) => AssertEdit(name);

    [Theory]
    [InlineData("st_pndm_replace")]
    [InlineData("nt_replace_lb_sub")]
    public void OneBatchMatchesThePublishedImplementation(string name)
    {
        using var result = published.InOneBatch(reference.Json($"p2p/{name}.json"));
        AssertRun(name, result);
    }

    private void AssertEdit(string name)
    {
        using var result = published.InSession(reference.Json($"p2p/{name}.json"));
        AssertRun(name, result);
    }

    public void Dispose()
    {
        scope.Dispose();
        reference.Dispose();
    }

    private void AssertRun(string name, EditResult result)
    {
        var golden = reference.Tensors($"p2p/{name}.safetensors");
        var json = reference.Json($"p2p/{name}.json");
        Assert.Equal(golden.Read("timesteps").data<long>().ToArray(), result.Timesteps);
        var trace = reference.Trace(result);
        var latents = golden.Read(golden.Tensors.ContainsKey("latents") ? "latents" : "latents_edit");
        foreach (var (step, i) in json.GetProperty("saved_steps").EnumerateArray().Select((step, i) => (step.GetInt32(), i)))
            AssertClose(latents[i], LastRows(trace["latents"][step + 1], 0, latents.shape[1]), 1e-3, $"latents of step {step}");
        var edits = result.Rows.Index().Where(row => row.Item > 0).ToList();
        foreach (var (index, prompt) in edits.Where(row => golden.Tensors.ContainsKey($"avg_cross16.row{row.Item}")))
            AssertMap(golden.Read($"avg_cross16.row{prompt}"), trace["attention.cross.16"][index], name);
        if (golden.Tensors.ContainsKey("lb_masks"))
        {
            // In the older notebook's form the source has none.
            var rows = name.StartsWith("nt", StringComparison.Ordinal) ? result.Rows.Count : edits.Count;
            // A pixel exactly at the threshold may fall on either side.
            Assert.InRange(LastRows(golden.Read("lb_masks"), 1, rows).ne(LastRows(trace["blend.mask"], 1, rows)).sum().ToInt64(), 0, 8);
        }

        if (golden.Tensors.ContainsKey("images_u8"))
        {
            long[] rows = [.. json.GetProperty("images_rows").EnumerateArray().Select(row => (long)result.Rows.Index().First(r => r.Item == row.GetInt32()).Index)];
            AssertImages(golden.Read("images_u8"), trace["images"].index_select(0, tensor(rows)));
        }
    }

    private static void AssertMap(Tensor expected, Tensor actual, string what) => AssertClose(expected.permute(2, 0, 1), actual, 1e-3, $"maps of {what}");

    private static void AssertImages(Tensor expected, Tensor actual)
    {
        var difference = expected.to(ScalarType.Int32) - actual.to(ScalarType.Int32);
        Assert.InRange(difference.abs().gt(1).to(ScalarType.Float32).mean().ToDouble(), 0, 1e-4);
    }

    private static Tensor LastRows(Tensor all, long dimension, long count) => all.narrow(dimension, all.shape[dimension] - count, count);
}
