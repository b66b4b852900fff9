// Looks into attention with a processor of one's own: prints, for each step, how much of the image the word "house" attends to.
using PromptToPrompt;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

const string Prompt = "a white house in a field";
using var pipeline = PromptToPromptPipeline.Load();
var token = pipeline.Model.Tokenizer.Tokenize(Prompt).Words.First(word => word.Text == "house").Tokens[0];
var attention = new WordMeter(token);
using var house = pipeline.Generate(Prompt, new() { Seed = 4, Steps = 10, Guidance = 5 }, attention: attention);
house.Image.SavePng("house.png");
foreach (var (step, share) in attention.Shares)
    Console.WriteLine($"step {step + 1}/10: {share:P1}");

// <snippet>
/// <summary>Measures the share of cross-attention that one token receives in the conditional rows; the image is unchanged.</summary>
internal sealed class WordMeter(int token) : AttentionProcessor
{
    private readonly List<(int Step, double Share)> layers = [];

    public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
    {
        if (call.Site.Kind == AttentionKind.Cross)
        {
            using var scope = NewDisposeScope();
            var row = call.Step.Rows.ToList().FindIndex(r => r.Conditional);
            // [rows, heads, positions, tokens]
            var maps = ScaledDotProduct.Probabilities(query, key);
            layers.Add((call.Step.Index, maps[row].select(-1, token).mean().cpu().data<float>()[0]));
        }

        return Plain.Attend(call, query, key, value);
    }

    public IEnumerable<(int Step, double Share)> Shares =>
        layers.GroupBy(layer => layer.Step).Select(step => (step.Key, step.Average(layer => layer.Share)));
}
// </snippet>
