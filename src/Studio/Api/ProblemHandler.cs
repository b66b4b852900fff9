using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Api;

/// <summary>Errors as problem details (RFC 9457): invalid input names the JSON field and says what to do.</summary>
internal sealed class ProblemHandler(IProblemDetailsService problems, ILogger<ProblemHandler> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        var (status, title) = exception switch
        {
            InvalidInputException input => (StatusCodes.Status400BadRequest, input.Describe(FieldNames.Of)),
            QueueFullException => (StatusCodes.Status429TooManyRequests, exception.Message),
            DiskFullException => (StatusCodes.Status507InsufficientStorage, exception.Message),
            StudioClosedException => (StatusCodes.Status503ServiceUnavailable, exception.Message),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => (StatusCodes.Status413PayloadTooLarge, "The request is larger than this studio accepts."),
            BadHttpRequestException bad => (bad.StatusCode, bad.Message),
            _ => (StatusCodes.Status500InternalServerError, "Internal error of the studio; see its log."),
        };
        if (status == StatusCodes.Status500InternalServerError)
            log.LogError(exception, "{Method} {Path} failed.", context.Request.Method, context.Request.Path);
        context.Response.StatusCode = status;
        if (status == StatusCodes.Status429TooManyRequests)
            context.Response.Headers.RetryAfter = "5";
        var details = new ProblemDetails { Status = status, Title = title };
        if (exception is InvalidInputException { Setting: { } setting } invalid)
            details.Extensions["errors"] = new Dictionary<string, string[]> { [FieldNames.Of(setting)] = [invalid.Text] };
        return await problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = details });
    }
}
