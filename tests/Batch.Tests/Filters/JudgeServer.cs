using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace PromptToPrompt.Batch.Tests.Filters;

/// <summary>A local HTTP server that judges pairs.</summary>
internal sealed class JudgeServer : IAsyncDisposable
{
    private readonly WebApplication application;

    private JudgeServer(WebApplication application) => this.application = application;

    public Uri Address => new(application.Urls.Single() + "/judge");

    public static async Task<JudgeServer> Start(Func<JsonElement, string> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var application = builder.Build();
        application.MapPost("/judge", (JsonElement question) =>
        {
            Assert.True(File.Exists(question.GetProperty("source_file").GetString()));
            Assert.True(File.Exists(question.GetProperty("edited_file").GetString()));
            return Results.Text(answer(question), "application/json");
        });
        await application.StartAsync();
        return new JudgeServer(application);
    }

    public async ValueTask DisposeAsync() => await application.DisposeAsync();
}
