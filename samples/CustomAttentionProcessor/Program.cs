// Looks into attention with a processor of one's own: prints, for each step, how much of the image the word "house" attends to.
using PromptToPrompt;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

const string Prompt = "a white house in a field";
using var pipeline = PromptToPromptPipeline.Load();
var model = pipeline.Model;
var tokens = model.Tokenizer.Tokenize(Prompt);
var attention = new WordMeter(tokens.Words.First(word => word.Text == "house").Tokens[0]);

// The denoising loop, spelled out: any processor goes into its request.
using var scheduler = model.Scheduler.Create(SamplerKind.Ddim, steps: 10);
using var noise = InitialNoise.FromSeed(model, seed: 4, model.ImageSide, model.ImageSide);
using var conditional = TextConditioning.Encode(model, [tokens]);
using var unconditional = TextConditioning.EncodeNegative(model, "");
var request = new DenoisingRequest
{
    Latents = noise,
    Prompts = [0],
    Conditional = conditional,
    Unconditional = unconditional,
    Sampling = new() { Guidance = 5 },
    Attention = attention,
};
foreach (var state in DenoisingLoop.Run(model.Denoiser, scheduler, request))
{
    Console.WriteLine($"step {state.Step + 1}/{state.Steps}: {attention.TakeShare():P1}");
    if (state.Step == state.Steps - 1)
        model.Vae.DecodeImages(state.Latents)[0].SavePng("house.png");
}

// <snippet>
/// <summary>Measures the share of cross-attention that one token receives in the conditional rows; the image is unchanged.</summary>
internal sealed class WordMeter(int token) : AttentionProcessor
{
    private readonly List<double> shares = [];

    public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
    {
        if (call.Site.Kind == AttentionKind.Cross)
        {
            using var scope = NewDisposeScope();
            var row = call.Step.Rows.ToList().FindIndex(r => r.Conditional);
            // [rows, heads, positions, tokens]
            var maps = ScaledDotProduct.Probabilities(query, key);
            shares.Add(maps[row].select(-1, token).mean().cpu().data<float>()[0]);
        }

        return Plain.Attend(call, query, key, value);
    }

    public double TakeShare()
    {
        var mean = shares.Average();
        shares.Clear();
        return mean;
    }
}
// </snippet>
