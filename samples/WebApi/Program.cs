// An endpoint that edits: POST /edit {"prompt": "a white house in a field", "newPrompt": "a red house in a field", "seed": 4} answers with a PNG.
using PromptToPrompt;
using PromptToPrompt.Diffusion;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddSingleton(_ => PromptToPromptPipeline.Load());
var app = builder.Build();

// <snippet>
app.MapPost("/edit", async (EditBody body, PromptToPromptPipeline pipeline, CancellationToken cancellationToken) =>
{
    try
    {
        // Runs are synchronous and take turns: one pipeline serves all requests.
        var png = await Task.Run(
            () =>
            {
                using var source = pipeline.Generate(body.Prompt, new() { Seed = body.Seed, Steps = body.Steps }, cancellationToken: cancellationToken);
                using var edit = source.Edit(body.NewPrompt, cancellationToken: cancellationToken);
                return edit.Image.ToPng();
            },
            cancellationToken);
        return Results.File(png, "image/png");
    }
    catch (InvalidInputException e)
    {
        return Results.Problem(e.Message, statusCode: StatusCodes.Status400BadRequest);
    }
});
// </snippet>

app.Run();

internal sealed record EditBody(string Prompt, string NewPrompt, ulong Seed = 0, int Steps = 30);
